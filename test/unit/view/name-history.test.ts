import { describe, expect, it } from 'vitest';
import { createNameHistory } from '../../../src/view/name-history.ts';
import { fakeRegistry } from '../../support/fake-bridge.ts';

describe('the history of names', () => {
  it('knows what the names were that went, until they are back', () => {
    const history = createNameHistory();
    const [both, one] = [fakeRegistry(['a', 'b']), fakeRegistry(['a'])];
    history.record(undefined, both);
    expect([...history.gone.keys()]).toEqual([]);
    history.record(both, one);
    expect(history.gone.get('b')).toEqual({ providerType: 'builtin', providerId: 'fake', tool: 'b' });
    history.record(one, both);
    expect([...history.gone.keys()]).toEqual([]);
  });

  it('forgets the oldest names first', () => {
    const history = createNameHistory(2);
    const [all, none] = [fakeRegistry(['a', 'b', 'c']), fakeRegistry([])];
    history.record(fakeRegistry(['z']), none);
    history.record(all, none);
    expect([...history.gone.keys()]).toEqual(['b', 'c']);
    history.record(fakeRegistry(['b']), none);
    history.record(fakeRegistry(['d']), none);
    expect([...history.gone.keys()]).toEqual(['b', 'd']);
  });
});
