/**
 * A simulator of whole clusters: one seed, one execution.
 *
 * @module @kv/raft/sim
 */

// One execution from a seed
export { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";
export { shrink, type Shrunk } from "./shrink.ts";
export { SIM_PROFILES, type SimProfile } from "./profile.ts";
export type { Program } from "./company.ts";
export type { Action, Deed, OperationPath } from "./plan.ts";
export type { SiegeDeed, Temptation } from "./siege.ts";
export type { Weather } from "./sim-network.ts";
export type { Violation } from "./world.ts";

// What has happened
export { COVERED, Coverage, type Covered } from "./coverage.ts";

// Histories of clients
export { checkLinearizable, type Verdict } from "./linearizability.ts";
export type { RegisterFunction, RegisterOperation } from "./history.ts";
