/** `otlp-wasm/redaction`: what must not leave the process, for `start({ redact })`. */

export type {
  KeyPatterns,
  PreparedRedaction,
  RedactionPreset,
  RedactionRules,
} from './options/options.ts';
export { redaction } from './options/redact.ts';
