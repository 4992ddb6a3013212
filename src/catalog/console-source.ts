import type { DifyConsole } from '../dify/console/console.ts';
import { asBridgeError, BridgeError, type ErrorCode } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { CatalogListing, CatalogProblem, CatalogSource } from '../model/ports.ts';
import { PROVIDER_TYPES, type ProviderType, type ToolProvider } from '../model/tool.ts';
import { forEachBounded } from './bounded.ts';
import { providersFromPlugins } from './builtin-providers.ts';
import { inOrder } from './provider-order.ts';

/** Limits of a console source. */
export interface ConsoleSourceOptions {
  /** Requests at once while builtin providers are asked one by one; 4 when absent. */
  readonly concurrency?: number;
  readonly logger?: Logger;
}

/** The providers of one type, or the error that took their list. */
type TypeOutcome =
  | { readonly type: ProviderType; readonly listing: CatalogListing | undefined }
  | { readonly type: ProviderType; readonly error: BridgeError };

/** Errors that every other request would meet as well, so that nothing found beside them can be trusted. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['upstream_not_ready', 'cancelled', 'shutting_down']);
/** Errors of the address or the account: asking for the providers one by one would meet them again. */
const NOT_OF_ONE_PROVIDER: ReadonlySet<ErrorCode> = new Set([
  'upstream_unauthorized',
  'upstream_wrong_address',
  'upstream_rate_limited',
]);

/**
 * The workspace's tools by the console API: the lists of all four types at once. A list that fails is named in
 * `problems` and leaves the others alone. Rejects when Dify does not accept the credentials or when no list could
 * be had at all.
 */
export function createConsoleSource(console: DifyConsole, options: ConsoleSourceOptions = {}): CatalogSource {
  const { concurrency = 4, logger = silentLogger } = options;
  let warned = new Set<string>();
  let warnedBefore = warned;

  /** Warns of what the listing before this one did not meet already. */
  function warn(message: string, { code, message: reason }: BridgeError): void {
    warned.add(`${message}: ${reason}`);
    const level = warnedBefore.has(`${message}: ${reason}`) ? 'debug' : 'warn';
    logger[level](message, { code, reason });
  }

  async function listType(type: ProviderType, signal: AbortSignal): Promise<TypeOutcome> {
    try {
      return { type, listing: await console.listTools(type, signal) };
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (isHopeless(error)) throw error;
      return { type, error };
    }
  }

  /**
   * One provider that Dify cannot describe, or that never answers, fails the whole list of builtin tools; asked
   * singly, only itself. Where no other list came either, Dify cannot be reached at all.
   */
  async function recover(outcomes: readonly TypeOutcome[], signal: AbortSignal): Promise<TypeOutcome[]> {
    const reached = outcomes.some((outcome) => 'listing' in outcome);
    const recovered: TypeOutcome[] = [];
    for (const outcome of outcomes) {
      const isWorthIt =
        outcome.type === 'builtin' &&
        'error' in outcome &&
        !NOT_OF_ONE_PROVIDER.has(outcome.error.code) &&
        (reached || outcome.error.code !== 'upstream_unreachable');
      recovered.push(isWorthIt ? await listBuiltinOneByOne(outcome.error, signal) : outcome);
    }
    return recovered;
  }

  /** The builtin providers without their tools; undefined where Dify gives no list of them at all. */
  async function listBuiltinProviders(signal: AbortSignal): Promise<CatalogListing | undefined> {
    try {
      return await console.listProviders('builtin', signal);
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (isHopeless(error)) throw error;
      warn('Dify could not list the builtin providers: taking them from the list of plugins', error);
    }
    try {
      return await providersFromPlugins(console, concurrency, signal);
    } catch (thrown) {
      if (isHopeless(asBridgeError(thrown))) throw thrown;
      return undefined;
    }
  }

  async function listBuiltinOneByOne(cause: BridgeError, signal: AbortSignal): Promise<TypeOutcome> {
    const type = 'builtin';
    warn('Dify could not list the builtin tools as a whole: asking for each provider', cause);
    const overview = await listBuiltinProviders(signal);
    if (overview === undefined) return { type, error: cause };
    const providers: ToolProvider[] = [];
    const unlisted: ToolProvider[] = [];
    const problems: CatalogProblem[] = [...overview.problems];
    await forEachBounded(overview.providers, concurrency, async (provider) => {
      try {
        const reading = await console.builtinProviderTools(provider.id, signal);
        providers.push({ ...provider, tools: reading.tools });
        problems.push(...reading.problems);
      } catch (thrown) {
        const error = asBridgeError(thrown);
        if (isHopeless(error)) throw error;
        const message = `The tools of "${provider.id}" could not be listed: ${error.message}`;
        problems.push({ providerType: type, providerId: provider.id, message });
        unlisted.push({ ...provider, tools: [] });
      }
    });
    return { type, listing: { providers, problems, unlisted } };
  }

  /** A workspace that could not be looked up is no reason to list nothing; a wrong one is. */
  async function checkWorkspace(signal: AbortSignal): Promise<void> {
    try {
      await console.checkWorkspace(signal);
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (isHopeless(error)) throw error;
      warn('The workspace of the login could not be checked', error);
    }
  }

  return {
    async list(signal) {
      warnedBefore = warned;
      warned = new Set();
      const rest = new AbortController();
      const all = AbortSignal.any([signal, rest.signal]);
      try {
        const lists = PROVIDER_TYPES.map((type) => listType(type, all));
        const [outcomes] = await Promise.all([Promise.all(lists), checkWorkspace(all)]);
        return merge(await recover(outcomes, all));
      } finally {
        // After a rejection the other requests are of no use; after a success there are none left.
        rest.abort();
      }
    },
  };
}

function merge(outcomes: readonly TypeOutcome[]): CatalogListing {
  const providers: ToolProvider[] = [];
  const problems: CatalogProblem[] = [];
  const unlisted: ToolProvider[] = [];
  const errors: BridgeError[] = [];
  let listed = 0;
  for (const outcome of outcomes) {
    if ('error' in outcome) {
      errors.push(outcome.error);
      const message = `The ${outcome.type} tools could not be listed: ${outcome.error.message}`;
      problems.push({ providerType: outcome.type, message });
    } else if (outcome.listing !== undefined) {
      listed += 1;
      providers.push(...outcome.listing.providers);
      problems.push(...outcome.listing.problems);
      unlisted.push(...(outcome.listing.unlisted ?? []));
    }
  }
  const [first] = errors;
  if (listed === 0 && first !== undefined) throw first;
  return {
    providers: inOrder(providers),
    problems: inProblemOrder(problems),
    ...(unlisted.length > 0 && { unlisted }),
  };
}

/** The refusal of one route (403) may be that route's own; any other refusal is of the credentials. */
function isHopeless(error: BridgeError): boolean {
  if (error.code === 'upstream_unauthorized') return error.upstream?.status !== 403;
  return HOPELESS.has(error.code);
}

/** By type, then provider, whatever answered first. */
function inProblemOrder(problems: readonly CatalogProblem[]): CatalogProblem[] {
  const key = ({ providerType, providerId }: CatalogProblem): string =>
    `${PROVIDER_TYPES.indexOf(providerType)} ${providerId ?? ''}`;
  return [...problems].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}
