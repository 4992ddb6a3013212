import type { ManifestDifference } from '../manifest/compare.ts';
import { toolHash } from '../manifest/hash.ts';
import type { Logger } from '../model/logger.ts';
import type { Registry } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import type { Approval } from './approval.ts';

const MAX_NAMES = 50;

/** Compares Dify's tools with the tools approved for one view, and logs each difference once. */
export class ApprovalReview {
  /** When the tools were last compared; undefined before the first comparison. */
  comparedAt: Date | undefined;
  /** The result of the last comparison. */
  difference: ManifestDifference | undefined;
  readonly #approval: Approval;
  readonly #logger: Logger;
  #compared: { readonly registry: Registry; readonly providers: readonly ToolProvider[] } | undefined;
  #logged: string | undefined;

  constructor(approval: Approval, logger: Logger) {
    this.#approval = approval;
    this.#logger = logger;
  }

  compare(registry: Registry, providers: readonly ToolProvider[]): void {
    this.comparedAt = new Date();
    if (this.#compared?.registry === registry && this.#compared.providers === providers) return;
    this.#compared = { registry, providers };
    const difference = this.#approval.compare(registry, providers);
    this.difference = difference;
    const text = textOf(difference, registry);
    if (text !== this.#logged) this.#log(difference, this.#logged === undefined);
    this.#logged = text;
  }

  #log(difference: ManifestDifference, isFirst: boolean): void {
    const { dir, frozen } = this.#approval;
    if (difference.same) {
      this.#logger[isFirst ? 'debug' : 'info']('The tools in Dify match the approved ones', { dir });
      return;
    }
    const message = frozen
      ? 'Tools differ from the approved ones and are withheld'
      : 'Tools differ from the approved ones; they are served because manifest.frozen is false';
    const advice = 'Review them with "manifest diff" and approve them with "manifest pull".';
    this.#logger.warn(message, { dir, ...summaryOf(difference), advice });
  }
}

/** Returns equal texts for equal differences. Includes hashes, so that a second change of a tool counts as new. */
function textOf({ added, removed, changed }: ManifestDifference, registry: Registry): string {
  const hashes = [...added, ...changed].map(({ name }) => {
    const tool = registry.get(name);
    return tool === undefined ? name : toolHash(tool);
  });
  return JSON.stringify([removed, ...hashes, ...changed.map(({ unpublished }) => unpublished)]);
}

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
