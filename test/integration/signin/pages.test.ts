import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sharedChromium } from '../../support/chromium.ts';
import { type ChromiumTab, startTab } from '../../support/chromium-tab.ts';
import { authorizationRequest, startSignInBridge } from '../../support/signed-in-bridge.ts';
import { CALLBACK } from '../../support/test-auth.ts';

/** Set it to a folder to look at the pages. */
const PICTURES = process.env['SIGN_IN_PICTURES'];

async function look(tab: ChromiumTab, name: string): Promise<void> {
  const overflow = await tab.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  expect(overflow, `${name} is wider than a phone`).toBe(false);
  const isStyled = await tab.evaluate(`getComputedStyle(document.querySelector('main')).maxWidth !== 'none'`);
  expect(isStyled, `${name} has no style`).toBe(true);
  if (PICTURES !== undefined) writeFileSync(`${PICTURES}/${name}.png`, await tab.picture());
}

describe('the pages in Chromium, on a phone without JavaScript', { tags: ['browser'] }, () => {
  const chromium = sharedChromium();
  it('lead from the account to the workspace, the consent and back to the client', async () => {
    const { base, ada } = await startSignInBridge();
    ada.account.memberships.join('Second workspace of a team with a rather long name', 'editor');
    const { url } = await authorizationRequest(base);
    const tab = await startTab(chromium);
    await tab.open(url.href);
    await look(tab, '1-account');
    await tab.type('email', ada.credentials.email);
    await tab.type('password', 'wrong');
    await tab.click('password');
    await look(tab, '2-wrong-password');
    expect(await tab.evaluate(`document.querySelector('[role=alert]').textContent`)).toContain('password');
    await tab.type('password', ada.credentials.password);
    await tab.click('password');
    await look(tab, '3-workspace');
    expect(await tab.evaluate(`document.querySelectorAll('[name=workspace]').length`)).toBe(2);
    await tab.click('workspace');
    await look(tab, '4-consent');
    const led = tab.ledTo(CALLBACK);
    void tab.click('allow');
    const { searchParams } = new URL(await led);
    expect(searchParams.get('code')).toBeTruthy();
    expect(searchParams.get('iss')).toBe(base);

    const out = await startTab(chromium);
    await out.open(`${base}/oauth/sign-out`);
    await look(out, '5-not-signed-in');
  });

  it('sign in with a code by e-mail, and another account after that', async () => {
    const { base, ada, bob } = await startSignInBridge();
    for (const { signIn } of [ada, bob]) signIn.offer({ emailCode: true, password: false });
    const tab = await startTab(chromium);
    await tab.open((await authorizationRequest(base)).url.href);
    await look(tab, '6-account-by-code');
    await tab.type('email', ada.credentials.email);
    await tab.click('send-code');
    await look(tab, '7-code');
    await tab.type('code', ada.signIn.mails.at(-1)?.code ?? '');
    await tab.click('code');
    expect(await tab.evaluate('document.body.textContent')).toContain('ada@example.com');
    await tab.click('other-account');
    await tab.type('email', bob.credentials.email);
    await tab.click('send-code');
    await tab.type('code', bob.signIn.mails.at(-1)?.code ?? '');
    await tab.click('code');
    expect(await tab.evaluate('document.body.textContent')).toContain('bob@example.com');
    await tab.open(`${base}/oauth/sign-out`);
    await look(tab, '8-sign-out');
    await tab.click('sign-out');
    await look(tab, '9-signed-out');
  });

  it('are not shown in a frame of another site', async () => {
    const { base } = await startSignInBridge();
    const { url } = await authorizationRequest(base);
    const site = createServer((_, res) => {
      res.writeHead(200, { 'Content-Type': 'text/html' });
      res.end(
        `<iframe src="${url.href.replaceAll('&', '&amp;')}"></iframe><iframe src="${base}/oauth/sign-out"></iframe>`,
      );
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    onTestFinished(() => void site.close());
    const tab = await startTab(chromium);
    await tab.open(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
    expect(await tab.frames()).toEqual(['chrome-error://chromewebdata/', 'chrome-error://chromewebdata/']);
  });
});
