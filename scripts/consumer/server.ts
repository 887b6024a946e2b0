// @kv/server 1
