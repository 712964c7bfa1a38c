export { type Dataset, randomSplit, Subset, TensorDataset } from './dataset';
export { type Batch, DataLoader, type DataLoaderOptions } from './loader';
export { StandardScaler } from './scaler';
