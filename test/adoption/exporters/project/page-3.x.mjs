import { open } from './page.mjs';
import * as sdk from './web-3.x.mjs';

open(sdk);
