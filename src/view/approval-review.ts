import type { ManifestDifference } from '../manifest/compare.ts';
import { toolHash } from '../manifest/hash.ts';
import type { Logger } from '../model/logger.ts';
import type { Registry } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import type { Approval } from './approval.ts';

/** Names in one field of a log line. */
const MAX_NAMES = 50;

/** Compares the live workspace with what was approved for one view, and logs each difference once. */
export class ApprovalReview {
  readonly #approval: Approval;
  readonly #logger: Logger;
  #comparedAt: Date | undefined;
  #difference: ManifestDifference | undefined;
  #compared: { readonly registry: Registry; readonly providers: readonly ToolProvider[] } | undefined;
  #logged: string | undefined;

  constructor(approval: Approval, logger: Logger) {
    this.#approval = approval;
    this.#logger = logger;
  }

  /** When Dify's tools were last compared; undefined before the first time. */
  get comparedAt(): Date | undefined {
    return this.#comparedAt;
  }

  /** How they differed. */
  get difference(): ManifestDifference | undefined {
    return this.#difference;
  }

  compare(registry: Registry, providers: readonly ToolProvider[]): void {
    this.#comparedAt = new Date();
    if (this.#compared?.registry === registry && this.#compared.providers === providers) return;
    this.#compared = { registry, providers };
    this.#difference = this.#approval.compare(registry, providers);
    const text = textOf(this.#difference, registry);
    if (text === this.#logged) return;
    this.#log(this.#difference, this.#logged === undefined);
    this.#logged = text;
  }

  #log(difference: ManifestDifference, isFirst: boolean): void {
    const { dir, frozen } = this.#approval;
    if (difference.same) {
      this.#logger[isFirst ? 'debug' : 'info']('The tools in Dify are as they were approved', { dir });
      return;
    }
    const message = frozen
      ? 'Tools are not as they were approved, and are withheld'
      : 'Tools are not as they were approved, and are served all the same';
    const advice = 'Review them with "manifest diff", approve them with "manifest pull".';
    this.#logger.warn(message, { dir, ...summaryOf(difference), advice });
  }
}

/** Equal for equal differences. A tool that changes once more is another difference, though its name is there already. */
function textOf({ added, removed, changed }: ManifestDifference, registry: Registry): string {
  const hashes = [...added, ...changed].map(({ name }) => {
    const tool = registry.get(name);
    return tool === undefined ? name : toolHash(tool);
  });
  return JSON.stringify([removed, ...hashes, ...changed.map(({ unpublished }) => unpublished)]);
}

/** The names of a difference, for a log line. */
function summaryOf({ added, removed, changed }: ManifestDifference) {
  const names = (tools: readonly { readonly name: string }[]): string[] =>
    tools.slice(0, MAX_NAMES).map(({ name }) => name);
  return {
    count: added.length + removed.length + changed.length,
    added: names(added),
    removed: names(removed),
    changed: names(changed),
  };
}
