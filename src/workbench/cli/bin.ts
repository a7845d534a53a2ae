#!/usr/bin/env node
/** Runs the command line in this process. */

import { version } from '../../../package.json';
import { main } from './main.ts';

const interrupted = new Promise<void>((resolve) => {
  // Once: a second Ctrl-C ends the process at once.
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
});

// Whoever reads the output may stop reading (`| head`): then there is nobody left to show it to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const { stdout, stderr, env } = process;
process.exitCode = await main(process.argv.slice(2), {
  ...{ stdout, stderr, env, version, interrupted },
});
