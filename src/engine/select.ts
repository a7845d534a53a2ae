export type EngineSources = unknown;
