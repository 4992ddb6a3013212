import { Caller } from '../../src/calls/caller.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ViewConfig } from '../../src/config/views.ts';
import type { CallPlace, CallRecorder } from '../../src/model/call-record.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { type Logger, silentLogger } from '../../src/model/logger.ts';
import { MemoryBudget } from '../../src/model/memory-budget.ts';
import type { CatalogListing } from '../../src/model/ports.ts';
import type { DifyTool, ToolProvider } from '../../src/model/tool.ts';
import { Tasks } from '../../src/tasks/tasks.ts';
import { View, type ViewOptions } from '../../src/view/view.ts';
import { callLimits } from './call-limits.ts';

const NOWHERE = '/nonexistent';

/** The settings of a view without any configuration, but for these. */
export async function viewConfig(changes: Partial<ViewConfig> = {}): Promise<ViewConfig> {
  const env = { HOME: NOWHERE, XDG_CONFIG_HOME: NOWHERE };
  const { config } = await loadConfig({ env, needsDify: false });
  return { ...config.tools, limits: config.limits, ...changes };
}

/** A listing of one plugin, `fake`, with tools of these names. */
export function listingOf(...names: readonly string[]): CatalogListing {
  const tools = names.map(
    (name): DifyTool => ({
      name,
      label: { en_US: `Tool ${name}` },
      description: { en_US: `Does ${name}.` },
      parameters: [],
    }),
  );
  const provider: ToolProvider = {
    type: 'builtin',
    id: 'fake',
    name: 'fake',
    label: { en_US: 'Fake' },
    description: {},
    authorized: true,
    tools,
  };
  return { providers: [provider], problems: [] };
}

/** What arrived at Dify. */
export interface ArrivedCall {
  readonly tool: string;
  readonly parameters: JsonObject;
}

/** Where calls of tests go. */
export const PLACE: CallPlace = { workspace: 'default', road: 'inner', host: 'dify.example' };

/** A caller whose Dify answers the parameters as JSON. */
export function echoCaller(recorder?: CallRecorder): {
  readonly caller: Caller;
  readonly arrived: ArrivedCall[];
} {
  const arrived: ArrivedCall[] = [];
  const caller = new Caller({
    invoker: {
      async *invoke({ tool }, parameters) {
        arrived.push({ tool, parameters });
        yield { type: 'text', text: JSON.stringify(parameters) };
      },
    },
    results: {
      begin() {
        let text = '';
        return {
          add: (message) => void (text += message.type === 'text' ? message.text : ''),
          fail: () => undefined,
          end: async () => ({ content: [{ type: 'text', text }] }),
        };
      },
    },
    files: { store: () => Promise.reject(new Error('no files expected')) },
    userId: '',
    timeoutMs: 60_000,
    limits: callLimits(),
    memory: new MemoryBudget(Number.POSITIVE_INFINITY),
    place: PLACE,
    recorder,
  });
  return { caller, arrived };
}

export interface TestViewOptions {
  readonly config?: Partial<ViewConfig>;
  readonly caller?: ViewOptions['caller'] & Pick<Caller, 'start'>;
  readonly logger?: Logger;
}

/** A view whose tools have their own names, without hand-off and without tools yet. */
export async function testView(options: TestViewOptions = {}): Promise<View> {
  const { caller = echoCaller().caller, logger = silentLogger } = options;
  const config = await viewConfig({
    names: 'bare',
    handOff: { after: 'off', withProgress: false },
    ...options.config,
  });
  return new View({
    name: 'default',
    id: 'default',
    settings: { config, approval: undefined },
    waitMs: 10_000,
    caller,
    tasks: new Tasks({ caller, keepMs: 60_000, maxBytes: 1_000_000 }),
    logger,
  });
}
