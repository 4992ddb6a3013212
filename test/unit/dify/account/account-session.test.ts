import { describe, expect, it } from 'vitest';
import { accountRoadError } from '../../../../src/dify/account/account-session.ts';
import { connectionError } from '../../../../src/dify/wire/network-errors.ts';

const DESTINATION = { url: new URL('https://dify.example.com/console/api/apps'), path: '/console/api/apps' };
const hintOf = (code: string) =>
  accountRoadError(connectionError(Object.assign(new Error('failed'), { code }), DESTINATION)).hint;

describe('an error of the account road', () => {
  it.each([
    ['ECONNREFUSED', 'DIFY_URL is its address in your browser'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'Check whether DIFY_URL should begin with http://'],
    ['HPE_INVALID_CONSTANT', "Set DIFY_URL to Dify's address as your browser shows it"],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
    ['ECONNRESET', 'Whether the request took effect in Dify is unknown'],
  ])('%s gives advice that fits', (code, advice) => {
    expect(hintOf(code)).toContain(advice);
    expect(hintOf(code)).not.toContain('DIFY_API_URL');
  });
});
