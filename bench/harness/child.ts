import { type ChildProcess, fork } from 'node:child_process';

/** A process of the benches. Messages are awaited one by one. */
export interface Child<In, Out> {
  send(message: In): void;
  /** The next message; rejects when the process ends without one. */
  next(): Promise<Out>;
  stop(): void;
}

/** Starts a bundled module (`subjects/delivery`) with `order` as its argument. */
export function start<In, Out>(
  module: string,
  order: object,
  execArgv: readonly string[] = [],
): Child<In, Out> {
  // Bundled files are one folder deep: path/deliver.bench.mjs, subjects/delivery.mjs.
  const file = new URL(`../${module}.mjs`, import.meta.url);
  const child: ChildProcess = fork(file, [JSON.stringify(order)], {
    execArgv: ['--enable-source-maps', ...execArgv],
  });
  const messages: Out[] = [];
  let ended: Error | undefined;
  let wake = () => {};
  child.on('message', (message) => {
    messages.push(message as Out);
    wake();
  });
  child.on('exit', (code, signal) => {
    ended = new Error(`${module} ${JSON.stringify(order)} ended with ${signal ?? code}`);
    wake();
  });
  return {
    send: (message) => void child.send(message as object),
    async next() {
      while (messages.length === 0) {
        if (ended) throw ended;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return messages.shift()!;
    },
    stop: () => void child.kill(),
  };
}
