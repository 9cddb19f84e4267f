/** An emulator for tests, and its controls. */
import assert from 'node:assert/strict';
import { type Answer, sendRaw } from './request.ts';
import { type StartOptions, startServer, type TestServer } from './server.ts';

/** A header of control requests; the emulator refuses those that have neither this nor `x-moraine-emulator`. */
const JSON_TYPE = { 'content-type': 'application/json' };

interface EmulatorState {
  readonly now: string;
  readonly nextEvent: string | null;
  readonly faults: readonly Readonly<Record<string, unknown>>[];
}

export interface EmulatorControls {
  /** Sends a control request; returns the answer. */
  post(action: string, body?: unknown): Promise<Answer>;
  /** Requests a fault with these members. */
  faultWith(members: Readonly<Record<string, unknown>>): Promise<EmulatorState>;
  clearFaults(): Promise<EmulatorState>;
  /** Sets the clock to an instant, or to `real` time. */
  set(instant: string): Promise<EmulatorState>;
  turnBack(by: string): Promise<EmulatorState>;
  state(): Promise<EmulatorState>;
  /** Sets the clock forward, by a duration or to the `next` event. */
  advance(by: string): Promise<EmulatorState>;
  /** Sets the clock forward to this instant, or up to a second later. */
  advanceTo(date: string): Promise<EmulatorState>;
  reset(): Promise<EmulatorState>;
  fault(operation: string, code: string, times: number): Promise<EmulatorState>;
}

export function controlsOf({ url }: Pick<TestServer, 'url'>): EmulatorControls {
  const target = (action: string) => `/_moraine/emulator${action}`;
  const succeeded = (answer: Answer): EmulatorState => {
    assert.equal(answer.status, 200, answer.text);
    return answer.json() as unknown as EmulatorState;
  };
  const controls: EmulatorControls = {
    post: (action, body) =>
      sendRaw(url, {
        method: 'POST',
        target: target(action),
        headers: JSON_TYPE,
        body: body === undefined ? '' : textOf(body),
      }),
    state: async () => succeeded(await sendRaw(url, { method: 'GET', target: target('') })),
    advance: async (by) => succeeded(await controls.post('/clock', { advance: by })),
    async advanceTo(date) {
      const { now } = await controls.state();
      return controls.advance(`${Math.ceil((Date.parse(date) - Date.parse(now)) / 1000)}s`);
    },
    reset: async () => succeeded(await controls.post('/reset')),
    fault: (operation, code, times) => controls.faultWith({ operation, code, times }),
    faultWith: async (members) => succeeded(await controls.post('/faults', members)),
    clearFaults: async () =>
      succeeded(await sendRaw(url, { method: 'DELETE', target: target('/faults'), headers: JSON_TYPE })),
    set: async (instant) => succeeded(await controls.post('/clock', { set: instant })),
    turnBack: async (by) => succeeded(await controls.post('/clock', { turnBack: by })),
  };
  return controls;
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export function startEmulator(options: StartOptions = {}): Promise<TestServer> {
  return startServer({ ...options, flags: ['--emulator', ...(options.flags ?? [])] });
}
