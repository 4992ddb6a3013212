import type { Config } from '../config/schema.ts';
import { allViewsOf } from '../config/workspaces.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { ERROR_RULES } from '../model/errors.ts';
import { countKeys } from '../oauth/issuer.ts';
import { DifySteps } from '../signin/dify-steps.ts';
import { storedKeys } from './change-keys.ts';
import type { Step } from './doctor-account.ts';
import { fail, failure, type Finding, pass, warn } from './doctor-checks.ts';
import { count } from './output.ts';

/** Yields what is known about the API keys and the identity provider, if there are any. */
export async function* accessChecks(config: Config): AsyncGenerator<Step, void> {
  const keys = keysFinding(config);
  if (keys !== undefined) yield { names: ['API keys'], ...keys };
  const { issuer } = config.oauth;
  if (issuer !== undefined) yield { names: ['identity provider'], ...(await issuerFinding(issuer)) };
}

/** Returns how people can sign in at the bridge with their Dify accounts. */
export async function signInFinding(http: DifyHttp, publicUrl: string): Promise<Finding> {
  try {
    const { password, emailCode } = await new DifySteps(http, '').ways();
    const ways = [...(password ? ['a password'] : []), ...(emailCode ? ['a code by e-mail'] : [])];
    if (ways.length > 0) return pass(`People sign in at ${publicUrl}/mcp with ${ways.join(' or ')}.`);
    const message = 'Nobody can sign in: this Dify offers neither passwords nor codes by e-mail.';
    const fix = 'Allow one of them in Dify, or use oauth.issuer with the identity provider of your company.';
    return fail(message, fix, ERROR_RULES.config_invalid.exit);
  } catch (error) {
    return failure(error);
  }
}

function keysFinding(config: Config): Finding | undefined {
  try {
    const keys = storedKeys(config.keysFile);
    if (keys.length === 0) return undefined;
    const views = allViewsOf(config);
    const lost = keys.flatMap((key) => {
      const unknown = key.views.filter((view) => !views.has(view));
      return unknown.length === 0 ? [] : [`${key.name}: ${unknown.join(', ')}`];
    });
    if (lost.length === 0) return pass(`${count(keys.length, 'key')} in ${config.keysFile}.`);
    const message = `${count(lost.length, 'key')} in ${config.keysFile} may use views that do not exist.`;
    const fix = 'Restore the view, or revoke the key (dify-mcp-bridge keys revoke) and create another.';
    return warn(message, fix, lost);
  } catch (error) {
    return failure(error);
  }
}

async function issuerFinding(issuer: string): Promise<Finding> {
  try {
    const keys = await countKeys(issuer);
    return pass(`${issuer} answers, and publishes ${count(keys, 'key')}.`);
  } catch (error) {
    const fix =
      'Compare oauth.issuer (DIFY_BRIDGE_OAUTH_ISSUER) with the issuer in the metadata of the identity provider, and let this machine reach it.';
    return { ...failure(error), fix };
  }
}
