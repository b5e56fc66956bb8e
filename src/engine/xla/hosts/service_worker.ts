/** Runs the service in a thread of its own: node 0's main thread is blocked while it opens its devices. */
import { openService, type Service, type ServiceOptions } from "./service.ts";
import { threadScope } from "./scope.ts";

const thread = threadScope<ServiceMessage>();

/** What the main thread asks for. */
export type ServiceMessage =
  | { kind: "start"; hostname: string; port: number; options: ServiceOptions }
  | { kind: "offer"; name: string; path: string | null }
  | { kind: "stop" };

let service: Service | undefined;
let server: Deno.HttpServer | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

thread.onmessage = async ({ data }) => {
  switch (data.kind) {
    case "start":
      try {
        service = openService(data.options);
        const { hostname, port } = data;
        server = Deno.serve({ hostname, port, onListen: () => {} }, service.handle);
        timer = setInterval(service.check, 500);
        thread.postMessage({ kind: "listening", port: (server.addr as Deno.NetAddr).port });
      } catch (error) {
        thread.postMessage({ kind: "refused", message: (error as Error).message });
      }
      break;
    case "offer":
      service!.offer(data.name, data.path);
      break;
    case "stop":
      await service?.over();
      // The last answers are on their way.
      await new Promise((resolve) => setTimeout(resolve, 50));
      clearInterval(timer);
      await server?.shutdown();
      thread.postMessage({ kind: "stopped" });
      break;
    default:
      data satisfies never;
  }
};
