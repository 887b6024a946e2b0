// Types of the recorded cases' player (conformance/replay.mjs, plain JavaScript).

declare module "*/conformance/replay.mjs" {
  export interface Case {
    readonly theme: string;
    readonly name: string;
    readonly needs?: string;
    readonly serverArgs?: readonly string[];
    readonly slow?: boolean;
    readonly quirk?: unknown;
  }
  export interface CaseResult {
    readonly case: Case;
    readonly skipped: boolean;
    readonly errors: readonly string[];
  }
  export function replay(options: {
    readonly baseUrl?: string;
    readonly files: readonly string[];
    readonly freshServer?: (c: Case) => Promise<{ baseUrl: string; stop: () => Promise<void> }>;
    readonly filter?: string;
    readonly skipSlow?: boolean;
    readonly skipQuirks?: boolean;
  }): Promise<{
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
    readonly results: readonly CaseResult[];
  }>;
}
