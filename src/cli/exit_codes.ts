/** What the exit codes of all commands mean. */

/** Done; also where fewer results were wanted than there are. */
export const DONE = 0;
/** Something went wrong; the error output says what. */
export const FAILED = 1;
/** The command line, or a configuration file, asks for what cannot be. */
export const USAGE = 2;

/** The same for the help. */
export const EXIT_CODES =
  "Exit code: 0 done, 1 failed, 2 wrong arguments, 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM.";
