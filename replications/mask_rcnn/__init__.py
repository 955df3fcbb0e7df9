"""Replication of Mask R-CNN (He, Gkioxari, Dollár and Girshick, ICCV 2017)."""
