// Every bound of the HTTP engines, with its unit and its reason. Waiting for an answer has none, as in
// etcd: long polls and streams last as long as their clients (client-api.md §2).

/** Request line and headers together; etcd's limit. */
export const HEAD_SIZE_MAX_BYTES = 1_048_576;

/** From the first byte of a head to its last. Generous: a head is one packet from everyone but an attacker. */
export const HEAD_TIME_MAX_MS = 60_000;

/** A body must bring `BODY_STEP_BYTES` in every such span; a snapshot may take as many spans as it needs. */
export const BODY_STEP_MS = 60_000;

/** Less than this in a minute is nobody's network. */
export const BODY_STEP_BYTES = 4_096;

/** Of a body that its handler has not asked for, or reads more slowly than it comes. Then the socket is paused. */
export const BODY_QUEUE_MAX_BYTES = 65_536;

/** Of a body that nobody wants, read only to keep the connection usable. Then the connection ends. */
export const BODY_DROP_MAX_BYTES = 16_777_216;

/** Requests sent ahead while one is being answered. Then the socket is paused. */
export const PIPELINE_MAX_BYTES = 65_536;

/** All chunk extensions of a body; they mean nothing here. */
export const CHUNK_EXTENSIONS_MAX_BYTES = 16_384;

/** All trailers of a body; they mean nothing here. */
export const TRAILERS_MAX_BYTES = 8_192;

/** Longer answers are sent in chunks, as etcd does. */
export const LENGTH_MAX_BYTES = 2_048;

/** Longer answers are handed over piece by piece, as fast as the client reads. A value of 64 KiB still goes at once. */
export const PIECE_SIZE_BYTES = 262_144;

/** Longer queues of unaccepted connections survive bursts; node's 511 does not (performance.md §3). */
export const BACKLOG = 4_096;

/** As etcd. */
export const TCP_KEEP_ALIVE_MS = 30_000;

/** How long the client may take to read the last answer and to close, before the socket is cut. */
export const LINGER_MS = 500;

/** How long answers may still take after `close`, slow readers included. */
export const CLOSE_GRACE_MS = 2_000;
