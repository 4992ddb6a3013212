import { expect, test } from 'vitest';
import { parseFileLink } from '../../../../src/dify/files/links.ts';
import { signFileQuery } from '../../../../src/dify/files/signature.ts';
import { recordings, sharedNote } from '../../../support/shared.ts';
import { FILE_ID } from '../../../support/dify-wire.ts';

test('a signature by the published rule, computed elsewhere', () => {
  const query = signFileQuery(FILE_ID, 'fake-secret-key', 1_800_000_000, 'n');
  // printf 'file-preview|…|1800000000|n' | openssl dgst -sha256 -hmac fake-secret-key -binary | base64 | tr +/ -_
  expect(query).toBe('?timestamp=1800000000&nonce=n&sign=kQrUx5bk7jpaQDOVyxKNkbSyr2EXWMRXO3EjYEBlNA8%3D');
});

test('every link has a nonce of its own', () => {
  const make = () => signFileQuery(FILE_ID, 'fake', 1);
  const nonce = (query: string) => new URLSearchParams(query).get('nonce');
  expect(nonce(make())).toMatch(/^[0-9a-f]{32}$/);
  expect(nonce(make())).not.toBe(nonce(make()));
});

test(`a recorded link that Dify accepted is reproduced${sharedNote}`, () => {
  for (const entry of recordings('files').filter(({ name }) => name.endsWith('download-signed'))) {
    const link = parseFileLink(entry.request.path);
    const fields = new URLSearchParams(link?.query);
    const timestamp = Number(fields.get('timestamp'));
    const query = signFileQuery(link?.id ?? '', 'sk-test-secret', timestamp, fields.get('nonce') ?? '');
    expect(query).toBe(link?.query);
    expect(link?.signed).toBe(true);
  }
});
