/**
 * What an object has, as a plain one that may be spread: with methods and accessors of its class, each called on the object
 * itself. Spreading the object alone would leave these out.
 *
 * @param object An instance of any class, or a plain object.
 * @returns Its parts as they are now.
 */
export function plain<T extends object>(object: T): T {
  const parts = new Map<string, unknown>();
  for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name === "constructor" || parts.has(name)) continue;
      const value = object[name as keyof T];
      parts.set(name, typeof value === "function" ? value.bind(object) : value);
    }
  }
  return Object.fromEntries(parts) as T;
}
