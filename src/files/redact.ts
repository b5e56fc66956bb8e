/** What stands where a secret was. */
const HIDDEN = "REDACTED";

/** Query parameters that hold a secret, by a part of their names. */
const SECRET =
  /signature|token|secret|passw|credential|auth(?!or)|bearer|session|api-?key|access-?key|(?:^|[-_.])(?:sig|key|pwd|pass|sid|jwt|hmac|policy|code|ticket|md5|hdnea|hdnts|hdntl)(?:$|[-_.])/i;

/** Parameters that come with a signature and change each time that an address is signed. */
const SIGNED = /^(?:x-amz-.*|x-goog-.*|x-oss-.*|awsaccesskeyid|googleaccessid|expires?|exp|key-pair-id)$/i;

/** What Azure signs: names of two letters, which mean something else where nothing is signed. */
const AZURE = /^(?:sv|ss|srt|sr|sp|st|se|sip|spr|sdd|skoid|sktid|skt|ske|sks|skv)$/i;

/**
 * User and password before a host. The last @ before the path ends them, for passwords may hold one; where a colon begins
 * no port, what follows is a password, and one with a slash in it, which should have been escaped, is hidden all the same.
 */
const USER =
  /([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#\s"'<>]*|[^/?#\s"'<>:@[]+:(?!\d*(?:[/?#,\s"'<>]|$))[^\s"'<>]*)@/gi;

/**
 * A parameter and its value. The value ends where a URL's does, before the weight of a mixture (`*0.5`), before the next
 * address in one, and before punctuation of the sentence around it. What is not surely something else is taken for a part
 * of the value.
 */
const PARAMETER =
  /([?&;#])([^=&;?#\s"'<>,]+)=((?:(?!\*[\d.]+(?:,|\s|$)|,(?:[a-z-]+:)?https?:\/\/|[:,.)]+(?:\s|$))[^&;#\s"'<>])*)/gi;

function plain(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * A text without the secrets of the addresses in it: user and password (`https://user:password@host`), and the values of
 * query parameters that sign or grant access (`?sig=`, `?X-Amz-Signature=`, `&token=`, …).
 *
 * All that is shown or stored goes through this: lines on the console, errors, configurations, reports, checkpoints.
 *
 * @param text An address, words for a data set, or a message with addresses in it.
 * @returns The text with `REDACTED` for each secret. A text without any comes back as it is, and so does a redacted one.
 * @example
 * ```ts
 * import { redact } from "./redact.ts";
 * import assert from "node:assert/strict";
 * assert.equal(redact("https://me:pw@host/a.tar?v=2&sig=6fAb"), "https://REDACTED@host/a.tar?v=2&sig=REDACTED");
 * ```
 */
export function redact(text: string): string {
  const azure = /[?&]sig=/i.test(text);
  return text.replace(USER, `$1${HIDDEN}@`).replace(PARAMETER, (whole, before, name) => {
    const word = plain(name);
    const secret = SECRET.test(word) || SIGNED.test(word) || (azure && AZURE.test(word));
    return secret ? `${before}${name}=${HIDDEN}` : whole;
  });
}

/** Takes the secrets out of an error's message and trace. Gives back the same error. */
export function redactError<T>(error: T): T {
  if (error instanceof Error) {
    error.message = redact(error.message);
    if (error.stack) error.stack = redact(error.stack);
  }
  return error;
}

/** True for an address or words for a data set that {@linkcode redact} has taken secrets from. */
export function isRedacted(uri: string): boolean {
  return uri.includes(`//${HIDDEN}@`) || uri.includes(`=${HIDDEN}`);
}
