import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ofApplication = createRequire(join(process.cwd(), 'app.js'));
const hook = ofApplication.resolve('@opentelemetry/instrumentation/hook.mjs');
register(pathToFileURL(hook).href, import.meta.url);
await import('./upstream.cjs');
