import type { UpstreamSdk } from '../upstream.mjs';

export const recordOnly: UpstreamSdk['recordOnly'];
export const collecting: UpstreamSdk['collecting'];
export const serialize: UpstreamSdk['serialize'];
export const serializeJson: UpstreamSdk['serializeJson'];
