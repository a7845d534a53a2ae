import { open } from './page.mjs';
import * as sdk from './web-2.x.mjs';

open(sdk);
