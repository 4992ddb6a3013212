import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What comes before the 32 bytes of a private key in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The keys that are derived from the configured one, each for one purpose. */
export class SignInKeys {
  readonly #encryption: Buffer;
  readonly #names: Buffer;
  readonly #forms: Buffer;
  /** Signs the cookies of the sign-in pages. */
  readonly cookies: string;
  /** A private key (Ed25519) in the form of a JWK. */
  readonly signing: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string };

  constructor(secret: string) {
    const derive = (purpose: string): Buffer =>
      Buffer.from(hkdfSync('sha256', secret, 'dify-mcp-bridge sign-in', purpose, 32));
    this.#encryption = derive('encryption');
    this.#names = derive('names');
    this.#forms = derive('forms');
    this.cookies = derive('cookies').toString('base64url');
    const der = Buffer.concat([ED25519_PKCS8, derive('signing')]);
    const { x = '', d = '' } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    this.signing = { kty: 'OKP', crv: 'Ed25519', x, d };
  }

  /** Returns the name under which a record is stored. It reveals nothing about the ID, which may be a token. */
  nameOf(kind: string, id: string): string {
    return createHmac('sha256', this.#names).update(`${kind}:${id}`).digest('base64url');
  }

  /** Returns the token that a form of a page must carry. */
  formToken(page: string): string {
    return createHmac('sha256', this.#forms).update(page).digest('base64url');
  }

  /** Returns an encrypted text, which `unseal` accepts only under the same name. */
  seal(text: string, name: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#encryption, nonce);
    cipher.setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** Returns the text; undefined if it was sealed with another key or under another name, or was changed. */
  unseal(sealed: string, name: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv('aes-256-gcm', this.#encryption, nonce, options);
      decipher.setAAD(Buffer.from(name));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
