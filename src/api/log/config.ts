import type { Group } from '../../buffer/record.ts';
import { type InstrumentationScope, readScope } from '../trace/readable.ts';
import { say } from '../trace/say.ts';
import { severityOf } from './emitted.ts';

/** What a logger lets through (specification, "LoggerConfig"). */
export interface LoggerConfig {
  /** False: nothing. Default true. */
  readonly enabled?: boolean;
  /**
   * Records with a severity below are left out, those without one are not. 1 to 24
   * (`SeverityNumber`). Default 0: all.
   */
  readonly minimumSeverity?: number;
  /** True: records that belong to a trace which is not sampled are left out. Default false. */
  readonly traceBased?: boolean;
}

/** Says what each logger lets through; that of `createLoggerConfigurator` of the SDK is one. */
export type LoggerConfigurator = (scope: InstrumentationScope) => LoggerConfig;

/** What a logger lets through, filled in. */
export interface LoggerRules {
  /** Whether all may pass without a look. */
  readonly open: boolean;
  readonly enabled: boolean;
  readonly minimumSeverity: number;
  readonly traceBased: boolean;
}

export const OPEN: LoggerRules = {
  open: true,
  enabled: true,
  minimumSeverity: 0,
  traceBased: false,
};

/** A configurator that fails, or says nothing, leaves the logger open: rather more than nothing. */
export function rulesFor(scope: Group, configurator: LoggerConfigurator | undefined): LoggerRules {
  if (configurator === undefined) return OPEN;
  try {
    const config = configurator(readScope(scope));
    const enabled = config.enabled !== false;
    const minimumSeverity = severityOf(config.minimumSeverity);
    const traceBased = config.traceBased === true;
    const open = enabled && minimumSeverity === 0 && !traceBased;
    return { open, enabled, minimumSeverity, traceBased };
  } catch (error) {
    say('error', `the logger configurator failed for '${scope.name}'`, error);
    return OPEN;
  }
}
