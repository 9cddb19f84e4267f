/** A server whose clock can be turned, and its controls as a test uses them. */
import assert from 'node:assert/strict';
import { type Answer, sendRaw } from './request.ts';
import { type StartOptions, startServer, type TestServer } from './server.ts';

export interface EmulatorState {
  readonly now: string;
  readonly nextEvent: string | null;
  readonly faults: readonly { operation: string; code: string; times: number }[];
}

export interface EmulatorControls {
  /** A control request as it comes back. */
  post(action: string, body?: unknown): Promise<Answer>;
  state(): Promise<EmulatorState>;
  /** Turns the clock on, by a duration or to the `next` event. */
  advance(by: string): Promise<EmulatorState>;
  /** Turns the clock on to this moment, or up to a second later. */
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
      sendRaw(url, { method: 'POST', target: target(action), body: body === undefined ? '' : textOf(body) }),
    state: async () => succeeded(await sendRaw(url, { method: 'GET', target: target('') })),
    advance: async (by) => succeeded(await controls.post('/clock', { advance: by })),
    async advanceTo(date) {
      const { now } = await controls.state();
      return controls.advance(`${Math.ceil((Date.parse(date) - Date.parse(now)) / 1000)}s`);
    },
    reset: async () => succeeded(await controls.post('/reset')),
    fault: async (operation, code, times) =>
      succeeded(await controls.post('/faults', { operation, code, times })),
  };
  return controls;
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export function startEmulator(options: StartOptions = {}): Promise<TestServer> {
  return startServer({ ...options, flags: ['--emulator', ...(options.flags ?? [])] });
}
