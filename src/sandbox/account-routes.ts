import { isJsonObject, type JsonObject } from '../model/json.ts';
import { type SandboxApp, hashOf, nowInSeconds } from './account-apps.ts';
import { runNode } from './account-run.ts';
import { runWorkflowApp } from './account-stream.ts';
import { requireMember } from './console-admission.ts';
import { ACCOUNT_ID } from './console-view.ts';
import { jsonBody } from './inner-admission.ts';
import { readFilePart } from './multipart.ts';
import { textOf } from './parameter-values.ts';
import { FORBIDDEN, forbidden, invalidParam, notFound, Refusal } from './refusal.ts';
import { type App, type AppContext, route, type SandboxState } from './state.ts';
import { validate } from './validation.ts';

const APPS = '/console/api/apps';
const INSTALLED = '/console/api/installed-apps';
const MIB = 1024 ** 2;
const NOT_SYNC = 'Workflow graph might have been modified, please refresh and resubmit.';

/** Adds the console's routes for apps, their drafts and uploads. */
export function addAccountRoutes(app: App, state: SandboxState): void {
  const { account } = state;
  addUploadRoutes(app, state);
  addStreamRoutes(app, state);

  bothMethods(app, APPS, {
    GET(c) {
      requireMember(c, state);
      const { name = '', page = '1', limit = '20' } = c.req.query();
      const found = account.apps.filter((candidate) =>
        candidate.name.toLowerCase().includes(name.toLowerCase()),
      );
      const start = (Number(page) - 1) * Number(limit);
      const data = found.slice(start, start + Number(limit)).map(appView);
      const hasMore = start + data.length < found.length;
      return c.json({
        page: Number(page),
        limit: Number(limit),
        total: found.length,
        has_more: hasMore,
        data,
      });
    },
    async POST(c) {
      requireMember(c, state);
      // The plan is checked before the role.
      if (account.apps.length >= account.appLimit) {
        throw forbidden('The number of apps has reached the limit of your subscription.');
      }
      requireEditor(state);
      const body = await jsonBody(c);
      validate('CreateAppPayload', { name: 'string', mode: 'string' }, body);
      const { name, mode } = body;
      const made = account.create({ name, mode, description: textOf(body, 'description') });
      return c.json({ ...appView(made), enable_site: true, enable_api: true, deleted_tools: [] }, 201);
    },
  });

  bothMethods(app, `${APPS}/:app/workflows/draft`, {
    GET(c) {
      requireMember(c, state);
      const { draft } = appOf(c, state);
      requireEditor(state);
      if (draft === undefined) throw draftMissing(c);
      return c.json({
        id: c.req.param('app'),
        graph: draft.graph,
        features: draft.features,
        hash: hashOf(draft),
        version: 'draft',
        updated_at: draft.updatedAt,
        tool_published: false,
        environment_variables: [],
        conversation_variables: draft.conversationVariables,
      });
    },
    async POST(c) {
      requireMember(c, state);
      appOf(c, state);
      requireEditor(state);
      const body = await jsonBody(c);
      checkDraft(body, state);
      // Other requests may have changed the app while the body arrived.
      const edited = appOf(c, state);
      if (edited.draft !== undefined && hashOf(edited.draft) !== body['hash']) {
        throw new Refusal(state.features.conflictStatus ? 409 : 400, 'draft_workflow_not_sync', NOT_SYNC);
      }
      edited.draft = {
        graph: body['graph'] as JsonObject,
        features: body['features'] as JsonObject,
        conversationVariables: (body['conversation_variables'] ?? []) as JsonObject[],
        updatedAt: nowInSeconds(),
      };
      return c.json({ result: 'success', hash: hashOf(edited.draft), updated_at: edited.draft.updatedAt });
    },
  });

  route(app, 'POST', `${APPS}/:app/workflows/draft/nodes/:node/run`, async (c) => {
    requireMember(c, state);
    const chosen = appOf(c, state);
    requireEditor(state);
    if (account.takeLimitedRun()) {
      throw new Refusal(429, 'rate_limit_error', 'Rate Limit Error', {
        'retry-after': String(account.retryAfter),
      });
    }
    const { inputs } = await jsonBody(c);
    if (!isJsonObject(inputs)) throw invalidParam('inputs: Input should be a valid dictionary');
    if (chosen.draft === undefined) throw invalidParam('Workflow not initialized');
    return c.json(await runNode(c, chosen, inputs, state));
  });
}

/** Adds the routes that run a workflow's app as a stream and stop it. */
function addStreamRoutes(app: App, state: SandboxState): void {
  const { account, workspace } = state;
  const appsOf = (appId: string | undefined) =>
    workspace
      .list('workflow')
      .filter(({ extra }) => appId === undefined || extra['workflow_app_id'] === appId)
      .map((provider) => ({ provider, appId: textOf(provider.extra, 'workflow_app_id') }));
  const installed = (c: AppContext) => {
    requireMember(c, state);
    // The sandbox's installed app has the ID of its app.
    const [found] = appsOf(c.req.param('installed') ?? '');
    if (found === undefined) throw notFound(c.req.path, 'Installed app not found', 'not_found');
    return found;
  };
  app.get(INSTALLED, (c) => {
    requireMember(c, state);
    const apps = appsOf(c.req.query('app_id')).map(({ provider, appId }) => ({
      id: appId,
      app: { id: appId, name: provider.label.en_US, mode: 'workflow' },
      app_owner_tenant_id: workspace.id,
      is_pinned: false,
      last_used_at: null,
      editable: account.mayEdit,
      uninstallable: false,
    }));
    return c.json({ installed_apps: apps });
  });
  route(app, 'POST', `${INSTALLED}/:installed/workflows/run`, async (c) => {
    const { provider, appId } = installed(c);
    const { inputs } = await jsonBody(c);
    if (account.streamsAreRefused) throw forbidden('You do not have permission to access this app.');
    if (!isJsonObject(inputs)) throw invalidParam('inputs: Input should be a valid dictionary');
    return runWorkflowApp(provider, inputs, { appId, state });
  });
  route(app, 'POST', `${INSTALLED}/:installed/workflows/tasks/:task/stop`, (c) => {
    installed(c);
    account.stopTask(c.req.param('task') ?? '');
    return c.json({ result: 'success' });
  });
}

function addUploadRoutes(app: App, state: SandboxState): void {
  const { account } = state;
  bothMethods(app, '/console/api/files/upload', {
    GET(c) {
      requireMember(c, state);
      return c.json({
        file_size_limit: account.uploadLimit,
        batch_count_limit: 5,
        image_file_size_limit: Math.min(10, account.uploadLimit),
        video_file_size_limit: 100,
        audio_file_size_limit: 50,
        workflow_file_upload_limit: 10,
      });
    },
    async POST(c) {
      requireMember(c, state);
      const part = await readFilePart(c.env.incoming, c.req.header('content-type') ?? '');
      if (part === undefined) throw new Refusal(400, 'no_file_uploaded', 'Please upload your file.');
      const { filename, mimeType } = part;
      const extension = /\.[^.]+$/.exec(filename)?.[0].toLowerCase();
      const file = await state.files.receive(part.bytes, { mimeType, filename, extension });
      if (file.size > account.uploadLimit * MIB) {
        throw new Refusal(413, 'file_too_large', 'File size exceeded. ');
      }
      return c.json(
        {
          id: file.id,
          ...(state.features.fileReferences && { reference: null }),
          name: filename,
          size: file.size,
          extension: file.extension.slice(1),
          mime_type: mimeType,
          created_by: ACCOUNT_ID,
          created_at: nowInSeconds(),
          preview_url: null,
          source_url: state.files.signedUrl(file),
          original_url: null,
          user_id: null,
          tenant_id: state.workspace.id,
          conversation_id: null,
          file_key: null,
        },
        201,
      );
    },
  });
}

/** Adds a route with two methods. */
function bothMethods(
  app: App,
  path: string,
  { GET, POST }: Record<'GET' | 'POST', (c: AppContext) => Response | Promise<Response>>,
): void {
  app.get(path, GET);
  route(app, 'POST', path, POST);
}

function appOf(c: AppContext, { account }: SandboxState): SandboxApp {
  const found = account.app(c.req.param('app') ?? '');
  if (found === undefined) throw notFound(c.req.path, 'App not found.', 'app_not_found', routesOf());
  return found;
}

function requireEditor({ account }: SandboxState): void {
  if (account.mayEdit) return;
  throw forbidden(FORBIDDEN);
}

function draftMissing(c: AppContext): Refusal {
  return notFound(
    c.req.path,
    'Draft workflow need to be initialized.',
    'draft_workflow_not_exist',
    routesOf(),
  );
}

/** The routes that Dify's framework suggests. */
function routesOf(): readonly string[] {
  const draft = '/console/api/apps/<uuid:app_id>/workflows/draft';
  return [draft, '/console/api/apps/<uuid:app_id>/advanced-chat/workflows/draft/run', `${draft}/run`];
}

function checkDraft(body: JsonObject, { features }: SandboxState): void {
  const { graph, features: given, environment_variables: environment } = body;
  if (!isJsonObject(graph) || !isJsonObject(given)) throw invalidParam('graph or features not found in data');
  if (environment === undefined && !features.optionalEnvironment) {
    throw invalidParam('environment_variables: Missing required parameter in the JSON body');
  }
  if (environment !== undefined && features.noEnvironment) {
    throw invalidParam(
      '1 validation error for SyncDraftWorkflowPayload\nenvironment_variables\n  Extra inputs are not permitted',
    );
  }
}

function appView({ id, name, description, mode, createdAt }: SandboxApp) {
  return {
    id,
    name,
    description,
    mode,
    max_active_requests: null,
    icon_type: 'emoji',
    icon: '🌉',
    icon_background: '#FFEAD5',
    icon_url: null,
    model_config: null,
    workflow: null,
    use_icon_as_answer_icon: false,
    created_by: ACCOUNT_ID,
    created_at: createdAt,
    updated_by: ACCOUNT_ID,
    updated_at: createdAt,
    tags: [],
    access_mode: null,
  };
}
