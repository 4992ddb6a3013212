import type { DifyConsole } from '../dify/console/console.ts';
import { forEachBounded } from '../model/async.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { CatalogListing, CatalogProblem, CatalogSource } from '../model/ports.ts';
import { PROVIDER_TYPES, type ProviderType, type ToolProvider } from '../model/tool.ts';
import { HARD_CODED_PROVIDERS, providersFromPlugins } from './builtin-providers.ts';
import { providerKey, sortedBy } from './provider-key.ts';

/** Concurrent requests when listing builtin providers one by one. */
const CONCURRENCY = 4;

/** The providers of one type, or the error that prevented their list. */
type TypeOutcome =
  | { readonly type: ProviderType; readonly listing: CatalogListing | undefined }
  | { readonly type: ProviderType; readonly error: BridgeError };

/** Errors that would fail every other request too, so no other result of the same load can be trusted. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['upstream_not_ready', 'cancelled', 'shutting_down']);
/** Errors of the address or the account: listing providers one by one would fail the same way. */
const NOT_OF_ONE_PROVIDER: ReadonlySet<ErrorCode> = new Set([
  'upstream_unauthorized',
  'upstream_wrong_address',
  'upstream_rate_limited',
]);

/**
 * Returns a source that reads the workspace's tools from the console API, all four types at once. If the list of one
 * type fails, the result names it in `problems` and contains the others. Rejects if Dify does not accept the
 * credentials, or if every list fails.
 */
export function createConsoleSource(console: DifyConsole, logger: Logger = silentLogger): CatalogSource {
  let warned = new Set<string>();
  let warnedBefore = warned;

  /** Logs only the errors that the previous load did not have. */
  function warn(message: string, { code, message: reason }: BridgeError): void {
    warned.add(`${message}: ${reason}`);
    const level = warnedBefore.has(`${message}: ${reason}`) ? 'debug' : 'warn';
    logger[level](message, { code, reason });
  }

  async function listType(type: ProviderType, signal: AbortSignal): Promise<TypeOutcome> {
    try {
      return { type, listing: await console.listTools(type, signal) };
    } catch (thrown) {
      return { type, error: hopefulError(thrown) };
    }
  }

  /**
   * If one provider cannot be described or does not answer, Dify fails the whole list of builtin tools; listed one by
   * one, only that provider's tools are missing. If no other list arrived either, Dify is unreachable.
   */
  async function recover(outcomes: readonly TypeOutcome[], signal: AbortSignal): Promise<TypeOutcome[]> {
    const reached = outcomes.some((outcome) => 'listing' in outcome);
    const recovered = outcomes.map(async (outcome) => {
      const isWorthIt =
        outcome.type === 'builtin' &&
        'error' in outcome &&
        !NOT_OF_ONE_PROVIDER.has(outcome.error.code) &&
        (reached || outcome.error.code !== 'upstream_unreachable');
      return isWorthIt ? listBuiltinOneByOne(outcome.error, signal) : outcome;
    });
    return Promise.all(recovered);
  }

  /** Returns the builtin providers without their tools, from the list of plugins if Dify cannot list them. */
  async function listBuiltinProviders(signal: AbortSignal): Promise<CatalogListing> {
    try {
      return await console.listProviders('builtin', signal);
    } catch (thrown) {
      const message =
        'Dify could not list the builtin providers: the bridge takes them from the list of plugins';
      warn(message, hopefulError(thrown));
    }
    try {
      return await providersFromPlugins(console, CONCURRENCY, signal);
    } catch (thrown) {
      const message = `The plugins could not be listed: ${hopefulError(thrown).message}`;
      return { providers: HARD_CODED_PROVIDERS, problems: [{ providerType: 'builtin', message }] };
    }
  }

  async function listBuiltinOneByOne(cause: BridgeError, signal: AbortSignal): Promise<TypeOutcome> {
    const type = 'builtin';
    warn('Dify could not list all builtin tools at once: the bridge lists each provider', cause);
    const overview = await listBuiltinProviders(signal);
    const providers: ToolProvider[] = [];
    const unlisted: ToolProvider[] = [];
    const problems: CatalogProblem[] = [...overview.problems];
    await forEachBounded(overview.providers, CONCURRENCY, async (provider, failed) => {
      try {
        const both = AbortSignal.any([signal, failed]);
        const reading = await console.builtinProviderTools(provider.id, both);
        providers.push({ ...provider, tools: reading.tools });
        for (const each of reading.problems) problems.push(each);
      } catch (thrown) {
        const message = `The tools of "${provider.id}" could not be listed: ${hopefulError(thrown).message}`;
        problems.push({ providerType: type, providerId: provider.id, message });
        unlisted.push({ ...provider, tools: [] });
      }
    });
    const isPartial = overview.problems.some(({ providerId }) => providerId === undefined);
    if (isPartial && providers.length === 0) return { type, error: cause };
    return { type, listing: { providers, problems, unlisted } };
  }

  /** Rejects if the workspace is the wrong one. Only logs a failed lookup: the tools can still be listed. */
  async function checkWorkspace(signal: AbortSignal): Promise<void> {
    try {
      await console.checkWorkspace(signal);
    } catch (thrown) {
      warn('The workspace of the login could not be checked', hopefulError(thrown));
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
        // After a rejection, the results of the other requests are useless; after a success, none are left.
        rest.abort();
      }
    },
  };
}

function merge(outcomes: readonly TypeOutcome[]): CatalogListing {
  const failed = outcomes.filter((outcome) => 'error' in outcome);
  const listings = outcomes.flatMap((outcome) => ('listing' in outcome ? (outcome.listing ?? []) : []));
  const [first] = failed;
  if (listings.length === 0 && first !== undefined) throw first.error;
  const problems = failed.map(({ type, error }): CatalogProblem => {
    return { providerType: type, message: `The ${type} tools could not be listed: ${error.message}` };
  });
  const all = problems.concat(listings.flatMap((listing) => listing.problems));
  const providers = listings.flatMap((listing) => listing.providers);
  return {
    providers: sortedBy(providers, ({ type, id }) => providerKey(type, id)),
    problems: sortedBy(all, ({ providerType, providerId }) => providerKey(providerType, providerId)),
    unlisted: listings.flatMap((listing) => listing.unlisted ?? []),
  };
}

/** Returns the error. Throws it instead if it would fail every other request too. */
function hopefulError(thrown: unknown): BridgeError {
  const error = asBridgeError(thrown);
  // A 403 may concern one route only; any other refusal concerns the credentials.
  const isHopeless =
    error.code === 'upstream_unauthorized' ? error.upstream?.status !== 403 : HOPELESS.has(error.code);
  if (isHopeless) throw error;
  return error;
}
