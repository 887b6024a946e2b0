// @kv/raft 1
