/** Options of the exposition, as users give them and as they are used. */

import { anyOf, invalid, refused } from '../options/checks.ts';
import { type EscapingScheme, isEscapingScheme } from './escaping.ts';
import { TRANSLATION_STRATEGIES, type TranslationStrategy } from './names.ts';

/** Names are those of `@opentelemetry/exporter-prometheus` where it has them. */
export interface PrometheusOptions {
  /** Default `UnderscoreEscapingWithSuffixes`. */
  readonly translationStrategy?: TranslationStrategy;
  /** Stands before the name of each metric, with an underscore between. Default none. */
  readonly prefix?: string;
  /**
   * Resource attributes that become labels of every metric too: those whose keys match, or for whose
   * keys it returns true. Default none.
   */
  readonly withResourceConstantLabels?: RegExp | ((key: string) => boolean);
  /**
   * Leaves units out of names, which are then those of `@opentelemetry/exporter-prometheus`. Default
   * false.
   */
  readonly withoutUnitSuffixes?: boolean;
  /** Leaves out the labels `otel_scope_…`. Default false. */
  readonly withoutScopeInfo?: boolean;
  /** Leaves out `target_info`, which has the attributes of the resource. Default false. */
  readonly withoutTargetInfo?: boolean;
  /**
   * Leaves out the series `…_created` of OpenMetrics, which tell since when counters, histograms and
   * summaries count. Prometheus stores them as series unless it runs with
   * `--enable-feature=created-timestamp-zero-ingestion`. Default false.
   */
  readonly withoutCreatedTimestamps?: boolean;
  /** Whether samples have the times of their collection; Prometheus advises against it. Default false. */
  readonly appendTimestamp?: boolean;
}

export interface ExpositionFormat {
  /** OpenMetrics 1.0.0, or Prometheus' text format 0.0.4. Default false. */
  readonly openMetrics?: boolean;
  /** Default `underscores`. */
  readonly escaping?: EscapingScheme;
}

/** Takes what a user should know. */
export type Complain = (line: string) => void;

export interface Settings {
  readonly strategy: TranslationStrategy;
  readonly prefix: string;
  readonly isConstantLabel: (key: string) => boolean;
  readonly withoutUnitSuffixes: boolean;
  readonly withoutScopeInfo: boolean;
  readonly withoutTargetInfo: boolean;
  readonly withoutCreatedTimestamps: boolean;
  readonly appendTimestamp: boolean;
}

type Flag = {
  [Name in keyof Settings]: Settings[Name] extends boolean ? Name : never;
}[keyof Settings];

/** @throws OtlpError `invalid_option` */
export function resolveSettings(options: PrometheusOptions): Settings {
  const { translationStrategy: strategy = 'UnderscoreEscapingWithSuffixes', prefix = '' } = options;
  if (!TRANSLATION_STRATEGIES.includes(strategy)) {
    throw refused('translationStrategy', strategy, anyOf(TRANSLATION_STRATEGIES));
  }
  if (typeof prefix !== 'string') throw refused('prefix', prefix, 'a string');
  const flag = (name: Flag) => {
    const value = options[name] ?? false;
    if (typeof value !== 'boolean') throw refused(name, value, 'true or false');
    return value;
  };
  return {
    strategy,
    prefix,
    isConstantLabel: selection(options.withResourceConstantLabels),
    withoutUnitSuffixes: flag('withoutUnitSuffixes'),
    withoutScopeInfo: flag('withoutScopeInfo'),
    withoutTargetInfo: flag('withoutTargetInfo'),
    withoutCreatedTimestamps: flag('withoutCreatedTimestamps'),
    appendTimestamp: flag('appendTimestamp'),
  };
}

function selection(
  chosen: PrometheusOptions['withResourceConstantLabels'],
): (key: string) => boolean {
  if (chosen === undefined) return () => false;
  if (typeof chosen === 'function') return (key) => chosen(key) === true;
  // Unlike `test`, it does not go on where the last match of a global expression ended.
  if (chosen instanceof RegExp) return (key) => key.search(chosen) >= 0;
  const wanted = 'a regular expression or a function of a key';
  throw refused('withResourceConstantLabels', chosen, wanted);
}

/** @throws OtlpError `invalid_option` */
export function resolveFormat(format: ExpositionFormat): Required<ExpositionFormat> {
  const { openMetrics = false, escaping = 'underscores' } = format;
  if (!isEscapingScheme(escaping)) {
    throw invalid(
      `format.escaping is '${escaping}'; give allow-utf-8, underscores, dots or values.`,
    );
  }
  return { openMetrics, escaping };
}
