import { afterEach, describe, expect, it, vi } from 'vitest';
import { browserDetector } from '../../../../src/api/resource/detectors/browser.ts';
import { host } from '../../../../src/runtime/browser/host.ts';
import { found } from '../../../support/surroundings.ts';

afterEach(() => void vi.unstubAllGlobals());

describe('browser', () => {
  it('has all there is in a browser that has userAgentData', async () => {
    vi.stubGlobal('navigator', {
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0',
      language: 'de-CH',
      userAgentData: {
        brands: [
          { brand: 'Chromium', version: '140' },
          { brand: ' Not A;Brand', version: '99' },
        ],
        mobile: false,
        platform: 'Linux',
      },
    });
    expect(await found(browserDetector)).toEqual({
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0',
      'browser.language': 'de-CH',
      'browser.brands': ['Chromium 140', ' Not A;Brand 99'],
      'browser.mobile': false,
      'browser.platform': 'Linux',
    });
  });

  it('does not guess in one that has not', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0 Firefox/140.0', language: 'fr' });
    expect(await found(browserDetector)).toEqual({
      'user_agent.original': 'Mozilla/5.0 Firefox/140.0',
      'browser.language': 'fr',
    });
  });

  it('finds nothing where there is no navigator', async () => {
    vi.stubGlobal('navigator', undefined);
    expect(await found(browserDetector)).toEqual({});
  });

  it('is asked in browsers', () => {
    expect(host.detectors).toEqual([browserDetector]);
  });
});
