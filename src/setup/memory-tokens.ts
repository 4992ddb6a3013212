import type { ConsoleTokens, TokenStore } from '../dify/console/login.ts';
import { BridgeError } from '../model/errors.ts';

/** The tokens while the person signs in. */
export class MemoryTokens implements TokenStore {
  readonly again = 'run dify-mcp-bridge login';
  tokens: ConsoleTokens;
  readonly #email: string;

  constructor(tokens: ConsoleTokens, email: string) {
    this.tokens = tokens;
    this.#email = email;
  }

  async read(): Promise<ConsoleTokens> {
    return this.tokens;
  }

  async renew(stale: ConsoleTokens, refresh: Parameters<TokenStore['renew']>[1]): Promise<ConsoleTokens> {
    const fresh = await refresh(stale);
    if (fresh === undefined) throw this.ended(undefined);
    this.tokens = fresh;
    return fresh;
  }

  ended(said: string | undefined): BridgeError {
    const words = said === undefined ? '' : ` Dify said: "${said}"`;
    return new BridgeError('login_ended', `Dify ended the login of ${this.#email} at once.${words}`, {
      hint: 'Check that nothing between the bridge and Dify removes cookies or the X-CSRF-Token header.',
    });
  }
}
