// The HTTP face: handlers for the two ports, and the engine that carries them.
export { clientHandler, type ClientHandlerDeps } from "./client-handler.ts";
export { peerHandler } from "./peer-handler.ts";

// Engines
export type { Engine, Listener, ListenOptions } from "./engine/engine.ts";
export { listenNode } from "./engine/node.ts";
