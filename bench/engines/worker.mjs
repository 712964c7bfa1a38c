// Prints one of the works as JSON: its name and its argument, as JSON, are the arguments.
import { works } from './works.mjs';

const [name, argument] = process.argv.slice(2);
console.log(JSON.stringify(await works[name](JSON.parse(argument))));
