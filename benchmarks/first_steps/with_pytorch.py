import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
x = torch.from_numpy(rng.normal(size=(32, 2)).astype(np.float32))
y = torch.from_numpy(np.arange(32) % 2)
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
optimizer.zero_grad()
nn.functional.cross_entropy(net(x), y).backward()
optimizer.step()
