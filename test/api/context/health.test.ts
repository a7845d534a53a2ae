import {
  type ContextManager,
  context as contextApi,
  createContextKey,
  ROOT_CONTEXT,
  trace as traceApi,
} from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { StackContextManager } from '../../../src/api/context/stack.ts';
import { AsyncLocalStorageContextManager } from '../../../src/runtime/node/context-manager.ts';
import type { FakeHostOptions } from '../../../src/testing/index.ts';
import { type Started, started } from '../../support/telemetry.ts';

let run: Started;

function start(hostOptions?: FakeHostOptions) {
  run = started({}, hostOptions);
  return run;
}

async function shutdown() {
  const down = run.telemetry.shutdown();
  await run.host.settle();
  await down;
}

afterEach(async () => {
  await shutdown();
  contextApi.disable();
});

describe('health().context', () => {
  it('is none until register and after shutdown', async () => {
    const { telemetry } = start();
    const none = { manager: 'none', reason: 'register() installs one' };
    expect(telemetry.health().context).toEqual(none);
    telemetry.register();
    expect(telemetry.health().context.manager).not.toBe('none');
    await shutdown();
    expect(telemetry.health().context).toEqual(none);
  });

  it('says which manager the host could have, and why', () => {
    const { telemetry } = start();
    telemetry.register();
    expect(telemetry.health().context).toEqual({ manager: 'stack', reason: 'by default' });
  });

  it('says so where asynchronous work is followed', () => {
    const { telemetry } = start({
      contextManager: () => new AsyncLocalStorageContextManager(),
    });
    telemetry.register();
    expect(telemetry.health().context.manager).toBe('async-local-storage');
  });

  it('is foreign when another one is registered already, and gives that one nothing back', async () => {
    const foreign = new StackContextManager();
    contextApi.setGlobalContextManager(foreign);
    const { host, telemetry } = start({
      contextManager: () => new AsyncLocalStorageContextManager(),
    });
    telemetry.register();
    expect(telemetry.health().context).toEqual({
      manager: 'foreign',
      reason: 'another context manager was registered before; it stays',
    });
    expect(host.warnings).toEqual([expect.stringContaining('context manager')]);
    await shutdown();
    const key = createContextKey('own');
    const context = ROOT_CONTEXT.setValue(key, 1);
    contextApi.with(context, () => expect(foreign.active()).toBe(context));
  });

  it('is not warned of where the host could only have offered the stack', () => {
    contextApi.setGlobalContextManager(new StackContextManager());
    const { host, telemetry } = start();
    telemetry.register();
    expect(telemetry.health().context.manager).toBe('foreign');
    expect(host.warnings).toEqual([]);
  });

  it('a foreign manager is the one that spans become active in', () => {
    const seen: unknown[] = [];
    const foreign: ContextManager = {
      active: () => ROOT_CONTEXT,
      with: (context, fn, thisArg, ...args) => {
        seen.push(traceApi.getSpan(context));
        return fn.apply(thisArg as never, args);
      },
      bind: (_, target) => target,
      enable: () => foreign,
      disable: () => foreign,
    };
    contextApi.setGlobalContextManager(foreign);
    const { telemetry, tracer } = start();
    telemetry.register();
    tracer.startActiveSpan('s', (span) => {
      expect(seen.at(-1)).toBe(span);
      span.end();
    });
    expect.assertions(1);
  });
});
