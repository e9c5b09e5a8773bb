// Makes the story once, before files of tests that run beside each other look for it.
import { launch, signedIn } from "./browser.mjs";
import { prepare } from "./story.mjs";

const browser = await launch();
const { context } = await signedIn(browser);
await prepare(context);
await browser.close();
