/** Asks a server on this machine over a bare connection, as no browser and no fetch would; gives all that it answers. */
export async function bareRequest(url: string, lines: readonly string[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode([...lines, "Connection: close", "", ""].join("\r\n")));
  return await new Response(connection.readable).text();
}
