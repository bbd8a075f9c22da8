"""The question for the voxel size of points or labels that came without one."""

from __future__ import annotations

from typing import Any

from mapscope.viewer.layers import angstroms_per_unit
from mapscope.viewer.voxel_size import VoxelSizeRow


class EditVoxelRow(VoxelSizeRow):
    """The row that asks for a layer's voxel size, for any kind of layer."""

    def ask_for(self, layer: Any) -> None:
        """Ask for this layer, where it counts pixels."""
        is_asking = layer is not None and angstroms_per_unit(layer) is None
        self._layer = layer if is_asking else None
        self.setVisible(is_asking)
        if is_asking:
            self.question.setText(f"{layer.name} has no voxel size:")
            self.button.setToolTip("Put the layer into space; then it can be edited.")
            self.size.setToolTip("Å from one voxel, or one unit of its coordinates, to the next.")
