import { ROOT_CONTEXT } from '@opentelemetry/api';
import * as upstream from '@opentelemetry/core';
import { describe, expect, it } from 'vitest';
import { isTracingSuppressed, suppressTracing } from '../../../src/api/context/suppress-tracing.ts';

describe('suppressTracing', () => {
  it('marks the context it returns and no other', () => {
    expect(isTracingSuppressed(ROOT_CONTEXT)).toBe(false);
    expect(isTracingSuppressed(suppressTracing(ROOT_CONTEXT))).toBe(true);
    expect(isTracingSuppressed(ROOT_CONTEXT)).toBe(false);
  });

  it('is understood by the official SDK, and the other way round', () => {
    expect(upstream.isTracingSuppressed(suppressTracing(ROOT_CONTEXT))).toBe(true);
    expect(isTracingSuppressed(upstream.suppressTracing(ROOT_CONTEXT))).toBe(true);
    expect(isTracingSuppressed(upstream.unsuppressTracing(suppressTracing(ROOT_CONTEXT)))).toBe(
      false,
    );
  });
});
