// @kv/wal 1
