// What every instrumented program pays: the API alone.

import { trace } from '@opentelemetry/api';

trace.getTracer('start-up').startSpan('first').end();
// Written as it is, without loading streams, performance or anything else that costs time.
process._rawDebug(process.hrtime.bigint());
process.exit();
