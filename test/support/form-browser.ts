/** A browser without JavaScript: follows links, refreshes and redirects, keeps cookies and sends forms. */
export class FormBrowser {
  /** The address of the page. */
  url = '';
  /** The text of the page, and its status and headers. */
  page = '';
  status = 0;
  headers = new Headers();
  readonly #cookies = new Map<string, string>();
  /** Called with each address before it is opened. Returns true to stop there, as at the address of a client. */
  readonly #isOutside: (url: string) => boolean;
  readonly #fetch: typeof fetch;

  constructor(isOutside: (url: string) => boolean, fetchWith = fetch) {
    this.#isOutside = isOutside;
    this.#fetch = fetchWith;
  }

  /** The header with all cookies. */
  get cookie(): string {
    return [...this.#cookies].map((pair) => pair.join('=')).join('; ');
  }

  async open(url: string): Promise<this> {
    await this.#load(url);
    return this;
  }

  /** Sends the form that has the button, with these fields. */
  async submit(step: string, given: object = {}): Promise<this> {
    const form = [...this.page.matchAll(/<form[^]*?<\/form>/g)].find(([text]) =>
      text.includes(`value="${step}"`),
    )?.[0];
    if (form === undefined) throw new Error(`No form has the button ${step}:\n${this.page}`);
    const token = /name="token" value="([^"]*)"/.exec(form)?.[1] ?? '';
    await this.#load(this.url, new URLSearchParams({ token, ...fieldsOf(given), step }));
    return this;
  }

  async #load(url: string, body?: URLSearchParams): Promise<void> {
    this.url = url;
    if (this.#isOutside(url)) return;
    const answer = await this.#fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        cookie: this.cookie,
        accept: 'text/html',
        ...(body && { origin: new URL(url).origin }),
      },
      redirect: 'manual',
      ...(body && { body }),
    });
    for (const line of answer.headers.getSetCookie()) this.#keep(line);
    this.status = answer.status;
    this.headers = answer.headers;
    this.page = await answer.text();
    const location = answer.headers.get('location');
    const refresh = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(this.page)?.[1];
    const next =
      location ??
      refresh
        ?.replaceAll(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))
        .replaceAll('&amp;', '&');
    if (next !== undefined) await this.#load(new URL(next, url).href);
  }

  #keep(line: string): void {
    const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
    if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** Returns what a person can type. */
function fieldsOf(given: object): Record<string, string> {
  const names = ['email', 'password', 'code', 'workspace'];
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}
