import { XlaBackend } from "../engine/xla/backend.ts";
import { openClient } from "../engine/xla/pjrt/client.ts";
import type { Client, Executable } from "../engine/xla/pjrt/types.ts";
import { BACKEND, registerBackend } from "../engine/xla/register.ts";
import * as tf from "../engine/xla/tf.ts";

/**
 * A client whose programs outlive the backends that compile them: the tests dispose the backend and make it anew before
 * each group, and most groups need the same small programs.
 */
function lasting(client: Client): Client {
  const programs = new Map<string, Executable>();
  return {
    ...client,
    compile(text, options) {
      const key = JSON.stringify(options ?? {}) + text;
      let program = programs.get(key);
      if (!program) {
        const own = client.compile(text, options);
        program = Object.create(own, {
          delete: { value: () => {} },
          execute: { value: (...args: Parameters<Executable["execute"]>) => own.execute(...args) },
        }) as Executable;
        programs.set(key, program);
      }
      return program;
    },
    close: () => {},
  };
}

/**
 * Registers the backend so that it can be made anew.
 *
 * @param plugin the PJRT plugin's shared library
 * @param watch stands between the backend and the client
 * @returns the client, which the caller closes
 */
export async function registerForTests(
  plugin: string,
  watch: (client: Client) => Client = (client) => client,
): Promise<Client> {
  const client = openClient(plugin), shared = lasting(watch(client));
  await registerBackend(shared);
  tf.removeBackend(BACKEND);
  tf.registerBackend(BACKEND, () => new XlaBackend(shared), 3);
  await tf.setBackend(BACKEND);
  return client;
}
