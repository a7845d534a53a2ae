// Loaded before the program of a case (`node --import`): the hook for modules, one of the two
// SDKs, the instrumentations. The program itself does not know which SDK runs.

import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { instrumentations } from './instrumentations.mjs';
import { useSubject } from './scenario.mjs';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
const { startSubject } = await import(`./subjects/${process.env.SUBJECT}.mjs`);
useSubject(startSubject(process.env.COLLECTOR));
registerInstrumentations({ instrumentations: instrumentations() });
