/** What several detectors read of their surroundings. */

import type { Surroundings } from '../detector.ts';

/** The first of these variables that is set; empty is unset. */
export function firstOf(env: Surroundings['env'], ...names: readonly string[]): string | undefined {
  for (const name of names) if (env[name]) return env[name];
  return undefined;
}

/** A field of the machine's firmware tables (DMI), which Linux shows as files. */
export async function dmi({ readText }: Surroundings, field: string): Promise<string> {
  return ((await readText?.(`/sys/class/dmi/id/${field}`)) ?? '').trim();
}

export interface Instance {
  readonly id?: string | undefined;
  readonly region?: string | undefined;
  readonly zone?: string | undefined;
}

/** What cloud-init wrote down about a virtual machine when that first started. */
export async function cloudInit({ readText }: Surroundings): Promise<Instance> {
  const text = await readText?.('/run/cloud-init/instance-data.json');
  if (text === undefined) return {};
  const { v1 } = parsed(text) as { v1?: Record<string, unknown> };
  return {
    id: textOf(v1?.['instance_id']),
    region: textOf(v1?.['region']),
    zone: textOf(v1?.['availability_zone']),
  };
}

/** An object from JSON, empty where the text is none. */
export function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** A value of a document from elsewhere, if it is a text that says something. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number from a variable. */
export function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text && Number.isFinite(value) ? value : undefined;
}

/** A size in mebibytes from a variable, in bytes. */
export function mebibytesOf(text: string | undefined): number | undefined {
  const value = numberOf(text);
  return value === undefined ? undefined : value * 1024 * 1024;
}
