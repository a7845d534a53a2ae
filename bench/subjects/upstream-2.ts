/** OpenTelemetry JS 2.x as a subject. */

import * as sdk from '../rivals/upstream-2.x/upstream.mjs';
import { subjectOf } from './upstream-sdk.ts';

export const { recorder, encoder, recorded, serialize, serializeJson } = subjectOf(sdk);
