import type { PageElement } from "../../web/browser.ts";
import type { FoundPicture, SearchAnswer, SearchPage, ShownPicture } from "../types.ts";

/** Asks the server. Of several questions only the last one counts. */
export interface Searcher {
  /**
   * Asks a question, in place of the one before, and shows the answer.
   *
   * @param address The question's address, relative to the page's.
   * @param options Of the request, such as the user's picture.
   * @param answered Called with the query, where it is a picture of the set, before what was found is shown.
   */
  search(
    address: string,
    options: RequestInit,
    answered: (query: ShownPicture | null) => void,
  ): Promise<void>;
  /** Gives up the last question. */
  stop(): void;
}

/**
 * Makes a searcher.
 *
 * @param status Says that it searches, and afterwards how much was found in which time.
 * @param say Says what went wrong; an empty text takes that back.
 * @param results Where that is shown; busy (`aria-busy`) until the last question is answered.
 * @param show Shows what was found.
 */
export function searcher(
  page: SearchPage,
  status: PageElement,
  say: (problem: string) => void,
  results: PageElement,
  show: (found: readonly FoundPicture[]) => void,
): Searcher {
  let running: AbortController | undefined;
  const busy = (yes: boolean) => results.setAttribute("aria-busy", String(yes));
  return {
    async search(address, options, answered) {
      running?.abort();
      const mine = running = new AbortController(), begun = performance.now();
      status.textContent = "searching …";
      busy(true);
      say("");
      try {
        const response = await fetch(address, { ...options, signal: mine.signal });
        const answer = await response.json() as SearchAnswer;
        if (mine !== running) return;
        if ("error" in answer) throw new Error(answer.error);
        answered(answer.query);
        show(answer.found);
        const count = `${answer.found.length} of ${page.pictures.toLocaleString("en")} pictures`;
        status.textContent = `${count}, ${((performance.now() - begun) / 1000).toFixed(2)} s`;
      } catch (error) {
        if (mine !== running) return;
        status.textContent = "";
        const { message, name } = error as Error;
        say(
          name === "TypeError" || name === "SyntaxError" ? `The server does not answer: ${message}` : message,
        );
      } finally {
        if (mine === running) busy(false);
      }
    },
    stop() {
      running?.abort();
      running = undefined;
      busy(false);
    },
  };
}
