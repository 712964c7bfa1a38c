export { perform as default } from '../../determinism/perform';
