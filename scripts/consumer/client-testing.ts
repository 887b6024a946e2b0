// @kv/client 3
